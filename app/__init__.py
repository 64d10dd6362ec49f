"""The wiring: settings, command line, pipeline loop, jobs, embedded services. The only folder that knows all the others."""
