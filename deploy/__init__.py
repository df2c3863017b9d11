"""Installing, upgrading, asking and removing the stack: the programs behind make's targets for AWS."""
