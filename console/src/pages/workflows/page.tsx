import { useParams } from '@tanstack/react-router';
import { Suspense, lazy } from 'react';
import { Loading } from '../../components/states';
import { WorkflowList } from './WorkflowList';

const Builder = lazy(() => import('./Builder'));

export default function Workflows() {
  const { name } = useParams({ strict: false }) as { name?: string };
  if (!name) return <WorkflowList />;
  return <Suspense fallback={<Loading lines={10} />}><Builder key={name} name={name} /></Suspense>;
}
