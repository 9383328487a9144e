package walks

import (
	"slices"
	"testing"
)

// What is needed is left, in its order, wherever it lies; what nothing needs goes.
func TestShorten(t *testing.T) {
	all := make([]int, 100)
	for i := range all {
		all[i] = i
	}
	for _, needed := range [][]int{nil, {0}, {99}, {3, 4, 5}, {0, 50, 99}, {1, 17, 18, 70}, all} {
		got := Shorten(all, func(list []int) bool {
			for _, x := range needed {
				if !slices.Contains(list, x) {
					return false
				}
			}
			return true
		})
		if !slices.Equal(got, needed) {
			t.Errorf("%v is left, want %v", got, needed)
		}
	}
	if all[0] != 0 || all[99] != 99 || !slices.IsSorted(all) {
		t.Error("what was given has changed")
	}
}

// One action may be needed only because of another: a second round finds what the first could not.
func TestShortenGoesRoundAgain(t *testing.T) {
	got := Shorten([]string{"a", "b", "c"}, func(list []string) bool { // a as long as c is there, and b always
		return slices.Contains(list, "b") && (!slices.Contains(list, "c") || slices.Contains(list, "a"))
	})
	if !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v is left, want b", got)
	}
}
