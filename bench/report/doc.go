// Package report draws what package bench measured as one HTML page without links:
// percentile curves, rates and percentiles over time as pictures in SVG, the machine
// and the figures beside them. One run or several, which are then drawn over each
// other.
package report
