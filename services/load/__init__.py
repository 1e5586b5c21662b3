"""Open-loop load: arrivals at a fixed rate, probes that see them become visible, histograms of the waits."""
