"""The operator's door: who may come in (`auth`), what can be asked (`api`), what can be changed (`operations`)."""
