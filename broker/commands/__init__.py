"""The command line, one file per group of commands; `broker.cli` names them."""
