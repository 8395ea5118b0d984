import type { Definition } from '../../flow/definition';

// A definition that was begun elsewhere and isn't kept yet, on its way to the canvas.
const drafts = new Map<string, Definition>();

export const leaveDraft = (name: string, definition: Definition) => void drafts.set(name, definition);

export const draftOf = (name: string) => drafts.get(name);

export const forgetDraft = (name: string) => void drafts.delete(name);
