"""Regional catastrophe insurance, event by event: hazard, exposure, vulnerability, contracts, figures."""
