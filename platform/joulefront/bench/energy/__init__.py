"""`study bench energy`: figures on whether the energy of a trial can be trusted."""
