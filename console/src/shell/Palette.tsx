import '@mantine/spotlight/styles.css';
import { useMantineColorScheme } from '@mantine/core';
import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useSession } from '../api/session';
import { Icon } from '../components/Icon';
import { pagesFor } from '../navigation';
import { shell as words } from '../strings/shell';

/** Ctrl+K: every page one may see, and what can be done from anywhere. */
export function Palette({ onHelp }: { onHelp: () => void }) {
  const navigate = useNavigate();
  const { data } = useSession();
  const { setColorScheme } = useMantineColorScheme();
  const actions = useMemo<SpotlightActionData[]>(() => {
    const going = pagesFor(data?.me.permissions ?? []).map((page) => ({
      id: page.path,
      label: page.title,
      description: words.areas[page.area],
      leftSection: <Icon name={page.icon} />,
      onClick: () => void navigate({ to: page.path as never }),
    }));
    return [
      ...going,
      { id: 'dark', label: words.dark, leftSection: <Icon name="moon" />, onClick: () => setColorScheme('dark') },
      { id: 'light', label: words.light, leftSection: <Icon name="sun" />, onClick: () => setColorScheme('light') },
      { id: 'shortcuts', label: words.openShortcuts, leftSection: <Icon name="list" />, onClick: onHelp },
    ];
  }, [data, navigate, onHelp, setColorScheme]);
  return (
    <Spotlight
      actions={actions}
      shortcut={['mod + K']}
      nothingFound={words.paletteNothing}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{ placeholder: words.palette, 'aria-label': words.palette, leftSection: <Icon name="search" /> }}
    />
  );
}
