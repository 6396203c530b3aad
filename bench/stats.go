package main

import (
	"math"
	"slices"
	"time"
)

// median is the middle value; NaN of nothing.
func median(values []float64) float64 { return percentile(values, 50) }

// percentile is the value below which p percent of the values lie; NaN of nothing.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// each maps values.
func each[T any](values []T, f func(T) float64) []float64 {
	mapped := make([]float64, len(values))
	for i, v := range values {
		mapped[i] = f(v)
	}
	return mapped
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
