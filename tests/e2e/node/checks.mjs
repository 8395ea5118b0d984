// What the official SDK for Node makes of Legato. Prints {check: null | "what went wrong"} as JSON.
// Usage: node checks.mjs BASE_URL KEY

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Say something about rivers." }];
const tool = {
  type: "function",
  function: {
    name: "look_up",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const checks = {
  async chat() {
    const { data, response } = await client.chat.completions
      .create({ model: "chat", messages })
      .withResponse();
    assert.ok(data.choices[0].message.content);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.equal(response.headers.get("x-legato-cache"), "bypass");
    assert.ok(Number(response.headers.get("x-legato-cost-usd")) > 0);
    assert.equal(data._request_id, response.headers.get("x-legato-request-id"));
  },

  async streaming() {
    for (const model of ["chat", "translated"]) {
      const whole = await client.chat.completions.create({ model, messages });
      const stream = await client.chat.completions.create({
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let usage = null;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        usage = chunk.usage ?? usage;
      }
      assert.equal(text, whole.choices[0].message.content);
      assert.deepEqual(usage, whole.usage);
    }
  },

  async tools() {
    for (const model of ["chat", "translated"]) {
      const asked = [{ role: "user", content: "[call-tool] the weather?" }];
      const runner = client.chat.completions.stream({ model, messages: asked, tools: [tool] });
      const answer = await runner.finalChatCompletion();
      const [call] = answer.choices[0].message.tool_calls;
      assert.equal(call.function.name, "look_up");
      assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
      const after = await client.chat.completions.create({
        model,
        tools: [tool],
        messages: [
          ...asked,
          { role: "assistant", content: null, tool_calls: answer.choices[0].message.tool_calls },
          { role: "tool", tool_call_id: call.id, content: "sunny" },
        ],
      });
      assert.ok(after.choices[0].message.content);
    }
  },

  async embeddings() {
    const input = ["one", "two"];
    const answer = await client.embeddings.create({ model: "chat", input, dimensions: 16 });
    assert.deepEqual(answer.data.map((item) => item.embedding.length), [16, 16]);
  },

  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes("chat") && names.includes("translated"));
  },

  async errors() {
    const create = (fields, by = client) =>
      by.chat.completions.create({ model: "chat", messages, ...fields });
    await assert.rejects(create({ messages: [] }), OpenAI.BadRequestError);
    await assert.rejects(create({ model: "nothing" }), OpenAI.NotFoundError);
    const stranger = client.withOptions({ apiKey: "lg-nobody" });
    await assert.rejects(create({}, stranger), (error) => {
      assert.ok(error instanceof OpenAI.AuthenticationError);
      assert.equal(error.code, "invalid_api_key");
      return true;
    });
    await assert.rejects(create({ model: "limited" }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get("retry-after"), "1");
      return true;
    });
  },

  async retries() {
    const patient = client.withOptions({ maxRetries: 2 });
    const began = Date.now();
    const answer = await patient.chat.completions.create({ model: "hiccup", messages });
    assert.ok(answer.choices[0].message.content);
    assert.ok(Date.now() - began >= 400, "the SDK waits as long as the provider asked");
  },

  async "an error in mid-stream"() {
    const stream = await client.chat.completions.create({ model: "cut", messages, stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk.choices.length === 1);
    }, OpenAI.APIError);
  },

  async leaving() {
    const stream = await client.chat.completions.create({ model: "slow", messages, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) break;
    }
    stream.controller.abort();
  },
};

const outcomes = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    outcomes[name] = null;
  } catch (error) {
    outcomes[name] = error.stack;
  }
}
console.log(JSON.stringify(outcomes));
