/** `npm test` runs what needs nothing but npm's packages; `npm run test:system` what needs Debian's (see .ci/run). */
const system = process.env.SUITE === 'system'

export default {
  extensions: ['ts'],
  files: system ? ['test/system/**/*.test.ts'] : ['test/**/*.test.ts', '!test/system/**'],
  // A real process for each file: signals, environment and working directory are its own.
  workerThreads: false,
  nodeArguments: ['--conditions=afterwork-source'],
  // Many files wait: for leases, for servers, for a disk.
  concurrency: system ? 2 : 3,
  // Without any test that ends; a disk may take milliseconds for each commit.
  timeout: '3m',
}
