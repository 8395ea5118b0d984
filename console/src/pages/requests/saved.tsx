import { Button, Menu, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FormModal } from '../../components/FormModal';
import { requests } from '../../strings/requests';
import { type Search, useUrl } from '../../url';
import { FILTERS } from './filters';
import { readViews, writeViews } from './views';

const words = requests.views;
const NAMES = [...FILTERS, 'range'] as const;

/** Filters and range under a name, in this browser. */
export function SavedViews() {
  const [search, change] = useUrl();
  const [views, setViews] = useState(() => readViews(localStorage));
  const [naming, setNaming] = useState(false);
  const keep = (next: typeof views) => {
    writeViews(localStorage, next);
    setViews(next);
  };
  const open = (view: Search) => change(Object.fromEntries(NAMES.map((name) => [name, view[name]])), true);
  const save = async ({ name = '' }: Record<string, string>) => {
    keep({ ...views, [name]: Object.fromEntries(NAMES.filter((one) => search[one]).map((one) => [one, search[one]])) });
  };
  const forget = (name: string) => keep(Object.fromEntries(Object.entries(views).filter(([one]) => one !== name)));
  const names = Object.keys(views).sort();
  return (
    <>
      <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
        <Menu.Target><Button size="xs" variant="default">{words.title}</Button></Menu.Target>
        <Menu.Dropdown>
          {names.map((name) => <Menu.Item key={name} onClick={() => open(views[name] ?? {})}>{name}</Menu.Item>)}
          {names.length > 0 && <Menu.Divider />}
          <Menu.Item onClick={() => setNaming(true)}>{words.save}</Menu.Item>
          {names.map((name) => <Menu.Item key={name} onClick={() => forget(name)}>{words.forget(name)}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
      <FormModal opened={naming} onClose={() => setNaming(false)} title={words.save} about={words.about} action={words.keep} onSubmit={save}>
        <TextInput name="name" label={words.name} required maxLength={60} data-autofocus />
      </FormModal>
    </>
  );
}
