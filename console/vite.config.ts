import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where the API listens while the page is developed with `npm run dev`; the built page is served by the API itself. */
const API_IN_DEVELOPMENT = 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Fonts as data: addresses would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // MapLibre is one megabyte by itself; it is loaded after sign-in, so the warning would always be there.
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': API_IN_DEVELOPMENT } },
  // css: the contrast test reads the style sheet; without it vitest hands over an empty one.
  test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
});
