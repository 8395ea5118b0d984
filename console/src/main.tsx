import '@mantine/core/styles.css';
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/queries';
import { styleNonce } from './nonce';
import { consoleRouter } from './router';
import { theme, variables } from './theme';

// What locks scrolling behind a dialog asks for the nonce by this name.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = styleNonce();

const place = document.getElementById('root');
if (!place) throw new Error('index.html has no element with the id "root"');
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={styleNonce}>
      <QueryClientProvider client={queryClient()}>
        <RouterProvider router={consoleRouter()} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
