"""Laboratory: gradient checks, the judge of tiers, the museum of bugs, the race and the studies."""
