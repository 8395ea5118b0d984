import { server } from '../../place';

export const PROVIDER = `providers:
  - {name: openai, kind: openai_compatible, base_url: "https://api.openai.com/v1", api_key: {env: OPENAI_API_KEY}}
deployments:
  - {name: small, provider: openai, model: gpt-4.1-mini}
routes:
  - {alias: chat, deployments: [small]}`;

export const VERIFY = 'legato verify provider openai';
export const KEY = 'legato keys create --team platform --feature first-call';

export const WAYS = ['curl', 'Python', 'Node'] as const;
export type Way = (typeof WAYS)[number];

/** The first call of a model, ready to paste. */
export function firstCall(way: Way, model: string): string {
  const name = JSON.stringify(model);
  if (way === 'Python') {
    return `import os
from openai import OpenAI

client = OpenAI(base_url="${server}/v1", api_key=os.environ["LEGATO_KEY"])
answer = client.chat.completions.create(
    model=${name}, messages=[{"role": "user", "content": "Say hello."}]
)
print(answer.choices[0].message.content)`;
  }
  if (way === 'Node') {
    return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${server}/v1", apiKey: process.env.LEGATO_KEY });
const answer = await client.chat.completions.create({
  model: ${name}, messages: [{ role: "user", content: "Say hello." }],
});
console.log(answer.choices[0].message.content);`;
  }
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Say hello.' }] }).replaceAll("'", `'\\''`);
  return `curl -s ${server}/v1/chat/completions \\
  -H "authorization: Bearer $LEGATO_KEY" -H "content-type: application/json" \\
  -d '${body}'`;
}
