// Drafts letters to policyholders.
import OpenAI from "openai";

const openai = new OpenAI();

const SYSTEM =
  "You are the assistant of an insurance company. Be brief and friendly. " +
  "Never promise that a claim is covered. Answer in the customer's language.";

export async function draft(facts: string, tone: string): Promise<string> {
  const response = await openai.chat.completions.create({
    model: "gpt-5",
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: `Write a ${tone} letter from these facts:\n${facts}` },
    ],
  });
  return response.choices[0].message.content ?? "";
}

export async function shorten(letter: string): Promise<string> {
  const response = await openai.chat.completions.create({
    model: "gpt-5",
    messages: [{ role: "user", content: `Make this letter half as long:\n${letter}` }],
  });
  return response.choices[0].message.content ?? "";
}
