import { ActionIcon, Button, Group, Menu, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { spotlight } from '@mantine/spotlight';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useSession, useSigning } from '../api/session';
import { useInSample } from '../api/use-sample';
import { Icon } from '../components/Icon';
import { AREAS, pagesFor } from '../navigation';
import { account } from '../strings/account';
import { shell as words } from '../strings/shell';
import { Palette } from './Palette';
import { SampleBanner } from './SampleBanner';
import classes from './Shell.module.css';
import { Shortcuts } from './Shortcuts';
import { useLiveState } from './live';

/** What stands around every page. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const [help, setHelp] = useState(false);
  // A published page stands alone: nothing of the console is around it but who is signed in.
  const alone = useLocation({ select: ({ pathname }) => /^\/p\/[^/]/.test(pathname) });
  return (
    <div className={classes.shell} data-alone={alone ? '' : undefined}>
      <Button className={classes.skip} onClick={() => main.current?.focus()}>{words.skip}</Button>
      <header className={classes.top}>
        <div className={classes.name}><Mark />Legato</div>
        <LiveDot />
        {!alone && <Tooltip label={`${words.openPalette} (Ctrl K)`}>
          <ActionIcon variant="default" aria-label={words.openPalette} onClick={() => spotlight.open()}><Icon name="search" /></ActionIcon>
        </Tooltip>}
        {!alone && <Tooltip label={`${words.openShortcuts} (?)`}>
          <ActionIcon variant="default" aria-label={words.openShortcuts} onClick={() => setHelp(true)}>?</ActionIcon>
        </Tooltip>}
        <Scheme />
        <Who />
      </header>
      {!alone && <Navigation />}
      <main ref={main} tabIndex={-1} className={classes.main}>
        <SampleBanner />
        <Outlet />
      </main>
      {!alone && <Palette onHelp={() => setHelp(true)} />}
      {!alone && <Shortcuts opened={help} onChange={setHelp} />}
    </div>
  );
}

function Mark() {
  return (
    <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b5a8a" /><circle cx="9" cy="20" r="3.2" fill="#fff" /><circle cx="23" cy="20" r="3.2" fill="#fff" />
      <path d="M7 13C10 6 22 6 25 13" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
    </svg>
  );
}

function LiveDot() {
  const state = useLiveState();
  return (
    <Group gap={6} role="status">
      <span className={classes.dot} data-state={state} data-testid="live" />
      <Text size="sm" c="dimmed">{words.live[state]}</Text>
    </Group>
  );
}

function Scheme() {
  const dark = useComputedColorScheme('light') === 'dark';
  const { setColorScheme } = useMantineColorScheme();
  const label = dark ? words.light : words.dark;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}><Icon name={dark ? 'sun' : 'moon'} /></ActionIcon>
    </Tooltip>
  );
}

function Who() {
  const { data } = useSession();
  const { out } = useSigning();
  const inSample = useInSample();
  if (!data) return null;
  const signOut = async () => {
    const provider = await out();
    if (provider) globalThis.location.assign(provider);
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="compact-sm" fw={500}>{data.email ?? data.me.name}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{data.me.org}{data.me.roles.length > 0 && ` · ${data.me.roles.map((one) => one.role).join(', ')}`}</Menu.Label>
        {!inSample && <Menu.Item component={Link} to="/account" leftSection={<Icon name="key" size={16} />}>{account.title}</Menu.Item>}
        <Menu.Item leftSection={<Icon name="logout" size={16} />} onClick={() => void signOut()}>{words.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Navigation() {
  const { data } = useSession();
  const mine = pagesFor(data?.me.permissions ?? []);
  return (
    <nav className={classes.side} aria-label={words.navigation}>
      {AREAS.filter((area) => mine.some((page) => page.area === area)).map((area) => (
        <div key={area}>
          <div className={classes.area} id={`area-${area}`}>{words.areas[area]}</div>
          <ul className={classes.list} aria-labelledby={`area-${area}`}>
            {mine.filter((page) => page.area === area).map((page) => (
              <li key={page.path}>
                <Link
                  to={page.path as never}
                  search={((had: { range?: string }) => (had.range ? { range: had.range } : {})) as never}
                  activeOptions={{ exact: page.path === '/', includeSearch: false }}
                  className={classes.link}
                >
                  <Icon name={page.icon} size={16} />{page.title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
