import { Drawer, Modal, Tooltip, createTheme, type CSSVariablesResolver } from '@mantine/core';

// Shades by contrast, not by taste: text on them, and they on the page, keep 4.5 to 1 in both schemes.
export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 9, dark: 8 },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '1rem' }, h3: { fontSize: '0.875rem' } } },
  components: {
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: true } } }),
    Modal: Modal.extend({ defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } }),
    Drawer: Drawer.extend({ defaultProps: { position: 'right', closeButtonProps: { 'aria-label': 'Close' } } }),
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#51585f',
    '--mantine-color-placeholder': '#636b73',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#1259a3',
    '--legato-surface': '#ffffff',
    '--legato-ground': '#f6f7f9',
    '--legato-line': '#d9dde2',
    '--legato-good': '#00694c',
    '--legato-warn': '#8a4b00',
    '--legato-bad': '#b3261e',
  },
  dark: {
    '--mantine-color-dimmed': '#b3b9c0',
    '--mantine-color-placeholder': '#9aa1a8',
    '--mantine-color-error': '#ff9d96',
    '--mantine-color-anchor': '#7cc0ff',
    '--legato-surface': '#1f2226',
    '--legato-ground': '#16181b',
    '--legato-line': '#3a3f45',
    '--legato-good': '#4fd1a5',
    '--legato-warn': '#f2b84b',
    '--legato-bad': '#ff9d96',
  },
});
