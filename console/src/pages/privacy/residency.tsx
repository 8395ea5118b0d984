import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns, DataTable } from '../../components/DataTable';
import { Filters, TextFilter } from '../../components/Filters';
import { FormModal } from '../../components/FormModal';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { privacy } from '../../strings/privacy';
import { useUrl } from '../../url';

type Held = components['schemas']['ShownResidency'];
const words = privacy.residency;
const KEY = ['residency'] as const;
const nameOf = (one: Held) => (one.team === null ? one.org : `${one.org}/${one.team}`);

/** To which regions calls of an organisation and its teams may go. */
export function Residency() {
  const [search] = useUrl();
  const may = useMay()('privacy:residency:update');
  const renew = useRenew();
  const [setting, setSetting] = useState(false);
  const [loosening, setLoosening] = useState<Held | null>(null);
  const [told, setTold] = useState('');
  const query = search.org ? { org: search.org } : {};
  const list = useQuery({ queryKey: [...KEY, search.org], queryFn: () => answer(api.GET('/api/v1/residency', { params: { query } })) });
  const hold = async (team: string, regions: string[]) => {
    const done = await answer(api.POST('/api/v1/residency', { params: { query, header: once() }, body: { team, regions } }));
    setTold(regions.length === 0 ? '' : done.shut_out.length > 0 ? words.shut(done.shut_out.join(', ')) : words.nothing);
    await renew(KEY);
  };
  const columns: Columns<Held> = [
    { header: words.of, id: 'of', accessorFn: (one) => (one.team === null ? `${one.org}: ${words.whole}` : nameOf(one)) },
    { header: words.regions, id: 'regions', accessorFn: (one) => one.regions.join(', ') },
    { header: words.by, id: 'by', cell: ({ row }) => <Actor of={row.original.changed_by} /> },
    { header: words.at, id: 'at', accessorFn: (one) => ago(one.changed_at) },
    ...(may ? [{ header: words.anywhere, id: 'loosen', cell: ({ row }: { row: { original: Held } }) => <Button size="compact-xs" variant="default" aria-label={words.anywhereOne(nameOf(row.original))} onClick={() => setLoosening(row.original)}>{words.anywhere}</Button> }] : []),
  ];
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Filters label={privacy.org}><TextFilter name="org" label={privacy.org} /></Filters>
        {may && <Button onClick={() => setSetting(true)}>{words.set}</Button>}
      </Group>
      <Text size="sm" role="status">{told}</Text>
      <Shown of={list}>{({ data }) => <DataTable label={privacy.tabs.residency} columns={columns} rows={data} idOf={nameOf} empty={<Empty title={words.empty}>{words.emptyHint}</Empty>} />}</Shown>
      <FormModal opened={setting} onClose={() => setSetting(false)} title={words.set} about={words.setAbout} action={words.change} onSubmit={({ team, regions }) => hold(team ?? '', (regions ?? '').split(',').map((one) => one.trim()).filter(Boolean))}>
        <TextInput name="regions" label={words.names} placeholder="eu-central-1, eu-west-1" required />
        <TextInput name="team" label={words.team} description={words.teamHint} />
      </FormModal>
      {loosening && (
        <ConfirmDanger opened onClose={() => setLoosening(null)} title={words.loosen} name={nameOf(loosening)} action={words.anywhere} blastRadius={[words.loosenAbout(nameOf(loosening), loosening.regions.join(', '))]} onConfirm={() => hold(loosening.team ?? '', [])} />
      )}
    </Stack>
  );
}
