package ring

import "testing"

// TestHotPathsAllocateNothing: one run is one message, published and read.
func TestHotPathsAllocateNothing(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: 128, Kind: kind}, 3)
		p, rd := s.producer(0), s.reader(1)
		latest := joinFor(t, s.rings[2], JoinOptions{Latest: true})
		payload, large := make([]byte, 100), make([]byte, 300)
		var m Message
		meta := Meta{}
		read := func() {
			for _, r := range []*Reader{rd, latest} {
				if err := r.Next(&m); err != nil {
					t.Fatal(err)
				}
			}
		}
		runs := map[string]func(){
			"publish": func() {
				if err := p.TryPublish(payload, &meta); err != nil {
					t.Fatal(err)
				}
				read()
			},
			"claim": func() {
				c, err := p.TryClaim(nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Commit(0, 10, &meta); err != nil {
					t.Fatal(err)
				}
				read()
			},
			"nothing": func() {
				if rd.Next(&m) != ErrEmpty || latest.Next(&m) != ErrEmpty {
					t.Fatal("there is something")
				}
			},
		}
		for name, run := range runs {
			run()
			if n := testing.AllocsPerRun(500, run); n != 0 {
				t.Errorf("%v: %s allocates %v times", kind, name, n)
			}
		}
		if err := p.TryPublish(large, &meta); err != nil {
			t.Fatal(err)
		}
		read()
		full := func() {
			for p.TryPublish(payload, &meta) != ErrFull {
			}
		}
		full()
		if n := testing.AllocsPerRun(100, full); n != 0 {
			t.Errorf("%v: a full ring allocates %v times", kind, n)
		}
	}
}

// TestBatchesAllocateNothing: one run is three messages.
func TestBatchesAllocateNothing(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 3)
		p, ms := s.producer(0), make([]Message, 8)
		readers := []*Reader{s.reader(1), joinFor(t, s.rings[2], JoinOptions{Latest: true})}
		n := testing.AllocsPerRun(500, func() {
			for range 3 {
				publishFor(t, p, "x")
			}
			for _, rd := range readers {
				for got := 0; got < 3; {
					n, err := rd.NextBatch(ms)
					if err != nil {
						t.Fatal(err)
					}
					got += n
				}
			}
		})
		if n != 0 {
			t.Errorf("%v: three messages in batches allocate %v times", kind, n)
		}
	}
}
