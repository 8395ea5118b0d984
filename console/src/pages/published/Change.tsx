import { TextInput, Textarea } from '@mantine/core';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { type Fields, FormModal } from '../../components/FormModal';
import { published as words } from '../../strings/published';
import { Audience, audienceOf } from './Audience';

/** Changes what a page says and for whom it is. */
export function Change({ of, onClose, onDone }: { of: components['schemas']['Page']; onClose: () => void; onDone: () => Promise<void> }) {
  const change = async (fields: Fields) => {
    const body = { title: fields.title ?? '', about: fields.about ?? '', audience: audienceOf(fields) };
    await answer(api.POST('/api/v1/workflow-pages/{page_id}/change', { params: { path: { page_id: of.id }, header: once() }, body }));
    await onDone();
  };
  return (
    <FormModal opened onClose={onClose} title={words.changeOne(of.name)} about={words.changeHint} action={words.change} onSubmit={change} size="lg">
      <TextInput name="title" label={words.form.title} defaultValue={of.title} />
      <Textarea name="about" label={words.form.about} defaultValue={of.about} autosize minRows={2} maxRows={6} />
      <Audience of={of.audience} />
    </FormModal>
  );
}
