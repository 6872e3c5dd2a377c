// Package main verifies webhooks that Postrider sent, with Go's standard library alone.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// Verify says whether a request carries Standard Webhooks' headers, by the secret (whsec_…) or the public key of an ed25519 one
// (whpk_…), and of the last five minutes. Every Postrider profile sends them. The body is as it came over the wire.
func Verify(body []byte, header http.Header, secret string, now time.Time) error {
	id, seconds := header.Get("webhook-id"), header.Get("webhook-timestamp")
	signatures := header.Get("webhook-signature")
	if id == "" || seconds == "" || signatures == "" {
		return errors.New("webhook-id, webhook-timestamp or webhook-signature is missing")
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is no time")
	}
	if age := now.Sub(time.Unix(unix, 0)); age > tolerance || age < -tolerance {
		return errors.New("webhook-timestamp is not of the last five minutes")
	}
	check, err := checkBy(secret, bytes.Join([][]byte{[]byte(id), []byte(seconds), body}, []byte(".")))
	if err != nil {
		return err
	}
	// During a rotation there are several, with blanks between.
	for _, one := range strings.Fields(signatures) {
		version, encoded, _ := strings.Cut(one, ",")
		if signature, err := base64.StdEncoding.DecodeString(encoded); err == nil && check(version, signature) {
			return nil
		}
	}
	return errors.New("no signature is one by the secret")
}

func checkBy(secret string, signed []byte) (func(version string, signature []byte) bool, error) {
	if text, isPublic := strings.CutPrefix(secret, "whpk_"); isPublic {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, errors.New("the public key is none")
		}
		return func(version string, signature []byte) bool {
			return version == "v1a" && ed25519.Verify(key, signed, signature)
		}, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return nil, errors.New("the secret is none")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(signed)
	expected := mac.Sum(nil)
	return func(version string, signature []byte) bool {
		return version == "v1" && hmac.Equal(expected, signature)
	}, nil
}

// VerifyInbox says whether a request carries X-Inbox-Signature by the secret, whose whole text is the key. It has no time in it:
// whoever saw such a request once can send it again.
func VerifyInbox(body []byte, header http.Header, secret string) error {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	given, err := hex.DecodeString(strings.TrimPrefix(header.Get("X-Inbox-Signature"), "sha256="))
	if err != nil || !hmac.Equal(mac.Sum(nil), given) {
		return errors.New("X-Inbox-Signature is not one by the secret")
	}
	return nil
}
