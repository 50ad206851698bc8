"""What comes out of the simulated world, in the formats of the real one; no part of it knows the simulator."""
