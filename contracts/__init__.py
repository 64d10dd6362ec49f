"""The words every folder shares. No input, output, clock or random source lives here."""
