"""Records of several devices in the order in which things happened."""
