import type { Entry } from '../../navigation';
import { prompts } from '../../strings/prompts';

export const entry: Entry = {
  path: '/prompts',
  also: ['/prompts/$name'],
  title: prompts.title,
  area: 'build',
  order: 15,
  icon: 'prompt',
  permissions: ['registry:object:read'],
};
