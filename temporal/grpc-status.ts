/** Of gRPC, as far as they mean something to us. */
export const grpcStatus = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

/** Of an error of the SDK's, or of what caused it; undefined when it is none of gRPC's. */
export function grpcStatusOf(error: unknown): number | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as { code?: unknown };
    if (typeof code === 'number') return code;
  }
  return undefined;
}
