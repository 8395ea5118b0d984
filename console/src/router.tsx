import { Button, Stack, Text, Title } from '@mantine/core';
import { type ErrorComponentProps, Navigate, createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { useMe } from './api/session';
import { Failure, Loading } from './components/states';
import { type PageOfConsole, pages, pagesFor } from './navigation';
import { root } from './place';
import { Gate } from './shell/Gate';
import { common } from './strings/common';
import { shell as words } from './strings/shell';
import { parseSearch, writeSearch } from './url';

function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <Stack>
      <Title order={1}>{words.failedPage}</Title>
      <Failure problem={error} />
      <Button variant="default" w="fit-content" onClick={reset}>{common.again}</Button>
    </Stack>
  );
}

function NoSuchPage() {
  return (
    <Stack gap={4}>
      <Title order={1}>{words.notFound}</Title>
      <Text c="dimmed">{words.notFoundHint}</Text>
    </Stack>
  );
}

/** A page that one may not see isn't loaded and asks nothing; who comes to the root is led to one's first page. */
function allowed(page: PageOfConsole) {
  const Page = lazyRouteComponent(page.load);
  const Allowed = () => {
    const mine = pagesFor(useMe().permissions);
    if (mine.includes(page)) return <Page />;
    const first = mine[0];
    return page.path === '/' && first ? <Navigate to={first.path as never} replace /> : <NoSuchPage />;
  };
  return Object.assign(Allowed, { preload: Page.preload });
}

/** Each page is loaded when it is first opened, and fails by itself. */
export function consoleRouter() {
  const above = createRootRoute({ component: Gate, notFoundComponent: NoSuchPage });
  const routes = pages.flatMap((page) =>
    [page.path, ...(page.also ?? [])].map((path) =>
      createRoute({
        getParentRoute: () => above,
        path,
        component: allowed(page),
        errorComponent: PageFailed,
        pendingComponent: () => <Loading lines={8} />,
      }),
    ),
  );
  return createRouter({
    routeTree: above.addChildren(routes),
    basepath: root.pathname.replace(/\/$/, '') || '/',
    parseSearch,
    stringifySearch: writeSearch,
    defaultNotFoundComponent: NoSuchPage,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}
