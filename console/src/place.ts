// Where the console is served: below any prefix that a proxy in front may add. Built scripts lie in
// `assets/` beside index.html, so their own address says it; in development the root is the origin's.
const script = import.meta.url;
const up = '../';

/** The console's root, with a slash at its end. */
export const root = import.meta.env.PROD
  ? new URL(up, script)
  : new URL('/', globalThis.location?.href ?? script);

/** What stands before `/api/v1/…` and `/v1/…`, without a slash at its end. */
export const server = (import.meta.env.PROD ? new URL(up, root) : root).href.replace(/\/$/, '');
