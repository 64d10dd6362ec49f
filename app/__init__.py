"""The wiring: settings, command line, loop, jobs and services. The only folder that knows all the others."""
