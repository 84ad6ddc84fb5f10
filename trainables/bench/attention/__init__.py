"""`study bench attention`: what every attention costs and what it computes."""
