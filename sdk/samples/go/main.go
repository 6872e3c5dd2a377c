package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"
)

type request struct {
	Name    string            `json:"name"`
	Scheme  string            `json:"scheme"`
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers"`
	Secret  string            `json:"secret"`
	Now     int64             `json:"now"`
}

type result struct {
	Name    string          `json:"name"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Refused string          `json:"refused,omitempty"`
}

// Verifies the requests on standard input, and prints what became of each: go run . < requests.json
func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		log.Fatal(err)
	}
	results := make([]result, 0, len(requests))
	for _, one := range requests {
		header := http.Header{}
		for name, value := range one.Headers {
			header.Set(name, value)
		}
		err := Verify([]byte(one.Body), header, one.Secret, time.Unix(one.Now, 0))
		if one.Scheme == "x-inbox-signature" {
			err = VerifyInbox([]byte(one.Body), header, one.Secret)
		}
		if err != nil {
			results = append(results, result{Name: one.Name, Refused: err.Error()})
		} else {
			results = append(results, result{Name: one.Name, Payload: json.RawMessage(one.Body)})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		log.Fatal(err)
	}
}
