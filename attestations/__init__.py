"""The silicon: nonces, evidence, sightings, presence. What chips proved, never what organisations signed for."""
