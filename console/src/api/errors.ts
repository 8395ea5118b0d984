/** What the control API refused, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly remedy: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Read an error body of the control API; anything else becomes one that says what came. */
export function errorOf(status: number, body: unknown): ApiError {
  const told = (body as { error?: Record<string, unknown> } | null | undefined)?.error;
  const text = (name: string) => (typeof told?.[name] === 'string' ? (told[name] as string) : null);
  return new ApiError(
    status,
    text('code') ?? 'unreadable_answer',
    text('message') ?? `The server answered ${status}.`,
    text('field'),
    text('remedy'),
    text('request_id'),
  );
}
