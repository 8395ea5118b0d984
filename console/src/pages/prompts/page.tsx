import { useParams } from '@tanstack/react-router';
import { PromptList } from './list';
import { OnePrompt } from './one';

export default function Prompts() {
  const { name } = useParams({ strict: false }) as { name?: string };
  return name ? <OnePrompt key={name} name={name} /> : <PromptList />;
}
