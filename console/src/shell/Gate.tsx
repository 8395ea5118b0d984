import { Center, Loader, Stack, Title } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useSession } from '../api/session';
import { useInSample } from '../api/use-sample';
import { Failure } from '../components/states';
import { common } from '../strings/common';
import { shell as words } from '../strings/shell';
import { INVITATION, Invitation } from './Invitation';
import { Shell } from './Shell';
import { SignIn } from './SignIn';
import { LiveProvider } from './live';

/** Nothing but the sign-in page is shown until it is known who asks. */
export function Gate() {
  const session = useSession();
  const invited = useRouterState({ select: (state) => state.location.pathname === INVITATION });
  const inSample = useInSample();
  const [before, setBefore] = useState(false);
  useEffect(() => {
    if (session.data) setBefore(true);
  }, [session.data]);
  if (session.isPending) return <Center mih="100vh"><Loader aria-label={common.loading} /></Center>;
  if (session.error) {
    return (
      <Center component="main" mih="100vh" p="md">
        <Stack maw={520}>
          <Title order={1}>{words.unreachable}</Title>
          <Failure problem={session.error} again={() => void session.refetch()} />
        </Stack>
      </Center>
    );
  }
  if (invited) return <Invitation />;
  if (!session.data) return <SignIn expired={before} />;
  return <LiveProvider key={inSample ? 'sample' : 'own'}><Shell /></LiveProvider>;
}
