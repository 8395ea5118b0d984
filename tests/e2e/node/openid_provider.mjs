// A real OpenID provider for the tests, told by them who is at the keyboard: oidc-provider.
//
//   PUT /test/person  {"sub": ..., claims...}    who signs in next, without being asked
//   PUT /test/rotate                             new keys; the old ones are gone
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const { ISSUER_PORT, CLIENT_SECRET, EXTERNAL_URL } = process.env;
const people = new Map();
let person = '';
let provider;

async function signingKeys(kid) {
  const pairs = await Promise.all(['RS256', 'ES256'].map((alg) => generateKeyPair(alg, { extractable: true })));
  const keys = await Promise.all(pairs.map(({ privateKey }) => exportJWK(privateKey)));
  return keys.map((key, index) => ({ ...key, kid: `${kid}-${index}`, use: 'sig' }));
}

async function makeProvider(issuer) {
  return new Provider(issuer, {
    jwks: { keys: await signingKeys(Date.now().toString(36)) },
    cookies: { keys: ['a key of these tests'] },
    clients: [{
      client_id: 'legato',
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${EXTERNAL_URL}/api/v1/login/oidc/op/callback`],
      post_logout_redirect_uris: [`${EXTERNAL_URL}/`],
    }],
    claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...people.get(sub), sub }) }),
  });
}

async function interact(request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const result = person ? { login: { accountId: person } } : { error: 'access_denied' };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    return;
  }
  const grant = new provider.Grant({ accountId: person, clientId: params.client_id });
  grant.addOIDCScope('openid profile email groups');
  const result = { consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function told(request) {
  let text = '';
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

const server = createServer(async (request, response) => {
  if (request.url === '/test/person') {
    const { sub, ...claims } = await told(request);
    person = sub;
    people.set(sub, claims);
    response.end();
  } else if (request.url === '/test/rotate') {
    provider = await makeProvider(provider.issuer);
    response.end();
  } else if (request.url.startsWith('/interaction/')) {
    await interact(request, response);
  } else {
    await provider.callback()(request, response);
  }
});

server.listen(Number(ISSUER_PORT), '127.0.0.1', async () => {
  provider = await makeProvider(`http://127.0.0.1:${server.address().port}`);
  console.log(provider.issuer);
});
