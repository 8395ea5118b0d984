import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { Empty, Shown } from '../../components/states';
import { server } from '../../place';
import { guardrails } from '../../strings/guardrails';

type Stored = components['schemas']['Object'];
const words = guardrails.policies;
const call = `curl ${server}/api/v1/registry/objects/guardrail/company/versions \\\n  -H "Authorization: Bearer $LEGATO_ADMIN_KEY" -H 'Content-Type: application/json' \\\n  -d '{"owner": "security", "spec": {"mode": "shadow", "rules": [{"name": "projects", "detect": {"words": {"project": ["Heron"]}}, "action": "redact"}]}}'`;

const columns: Columns<Stored> = [
  { header: words.name, accessorKey: 'name' },
  { header: words.owner, accessorKey: 'owner' },
  { header: words.versions, accessorKey: 'versions', meta: { right: true } },
  { header: words.labels, id: 'labels', accessorFn: (one) => Object.entries(one.labels).map(([label, version]) => `${label} → ${version}`).join(', ') },
];

/** An organisation's own policies; what is done with them is done where versions are. */
export function Policies() {
  const navigate = useNavigate();
  const list = usePages(['registry', 'objects'], ['registry'], (cursor) => answer(api.GET('/api/v1/registry/objects', { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } } })));
  const rows = useMemo(() => (list.data ?? []).filter((one) => one.kind === 'guardrail'), [list.data]);
  const open = (one: Stored) => void navigate({ to: '/registry' as never, search: { kind: one.kind, selected: `${one.kind}/${one.name}` } as never });
  return (
    <Shown of={list}>
      {() => <DataTable label={guardrails.tabs.policies} columns={columns} rows={rows} idOf={(one) => one.name} onOpen={open} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}
    </Shown>
  );
}
