//go:build clients

package gateway

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ringcast/ringcast"
)

// A browser is a headless Chromium that shows a page.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // guarded by mu: what the console tells of broken scripts and policies
}

// browse starts a browser and opens the gateway's page.
func (s *site) browse() *browser {
	s.t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.WindowSize(1400, 1500),
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("lang", "en-US"))
	ctx, endProcess := chromedp.NewExecAllocator(context.Background(), options...)
	s.t.Cleanup(endProcess)
	ctx, end := context.WithTimeout(ctx, 3*patience)
	s.t.Cleanup(end)
	ctx, endTab := chromedp.NewContext(ctx)
	s.t.Cleanup(endTab)
	b := &browser{t: s.t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		s.t.Fatalf("chromium, of the package chromium: %v", err)
	}
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err == nil && (m.IsException() || m.Type == "error" && m.Source != "network") {
				b.mu.Lock()
				b.faults = append(b.faults, m.String())
				b.mu.Unlock()
			}
		}
	}()
	b.run(chromedp.Navigate("http://" + s.address + "/"))
	return b
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate returns what an expression is in the page.
func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// numbers are all that the page shows with a name.
func (b *browser) numbers() map[string]string {
	b.t.Helper()
	return evaluate[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e.textContent]))`)
}

// text is what an element shows.
func (b *browser) text(id string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// check is the end of a test: no script broke, and nobody but the gateway was asked.
func (b *browser) check() {
	b.t.Helper()
	for _, u := range evaluate[[]string](b, `performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith(location.origin + "/") && !n.startsWith("data:"))`) {
		b.t.Errorf("%s was asked", u)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 {
		b.t.Errorf("the console tells: %q", b.faults)
	}
}

// shoot keeps a picture where RINGCAST_SCREENSHOTS names a folder.
func (b *browser) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("RINGCAST_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/"+name+".png", picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// grouped writes a number as the page does.
func grouped(n uint64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// expected are the numbers of the page that the JSON has too.
func expected(d *Domain) map[string]string {
	want := map[string]string{
		"domain": d.Domain, "node": fmt.Sprint(d.Node), "nodes": grouped(uint64(len(d.Nodes))),
		"participants": grouped(uint64(len(d.Participants))), "services": grouped(uint64(len(d.Services))), "topics": grouped(uint64(len(d.Topics))),
		"gateway:published": grouped(d.Gateway.Published),
	}
	for _, t := range d.Topics {
		missed, behind := uint64(0), uint64(0)
		for _, r := range t.Readers {
			missed, behind = missed+r.Missed, max(behind, r.Behind)
		}
		key := "topic:" + t.Topic + ":"
		want[key+"positions"], want[key+"readers"] = grouped(t.Positions), grouped(uint64(len(t.Readers)))
		want[key+"behind"], want[key+"missed"], want[key+"evicted"] = grouped(behind), grouped(missed), grouped(t.Evicted)
	}
	for _, one := range d.Services {
		key := "service:" + one.Service + ":"
		want[key+"instances"], want[key+"requests"] = grouped(uint64(len(one.Instances))), grouped(one.Requests)
		want[key+"answered"], want[key+"failed"] = grouped(one.Gateway.Answered), grouped(one.Gateway.Failed)
	}
	return want
}

// agree waits until the page shows the numbers of the JSON, and returns these.
func (b *browser) agree(s *site) Domain {
	b.t.Helper()
	var d Domain
	var wrong string
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		d = s.domain()
		have, want := b.numbers(), expected(&d)
		wrong = ""
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if have[key] != want[key] {
				wrong += fmt.Sprintf("%s is %q on the page and %q in the JSON\n", key, have[key], want[key])
			}
		}
		if wrong == "" {
			b.t.Logf("%d numbers of the page are those of the JSON", len(want))
			return d
		}
		if time.Now().After(end) {
			b.t.Fatal(wrong)
		}
	}
}

// TestPageShowsTheDomain: behind known traffic the page has the numbers that the JSON has,
// and these are right.
func TestPageShowsTheDomain(t *testing.T) {
	s := open(t, nil)
	startService(t, s.dir, "prices")
	startService(t, s.dir, "prices")
	s.serve("fails", nil, func(context.Context, *ringcast.Request) error { return &ringcast.ReplyError{Text: "out of paper"} })
	laggard, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: s.dir, Name: "laggard"})
	if err != nil {
		t.Fatal(err)
	}
	defer laggard.Close()
	if _, err := laggard.Subscribe("orders.>", nil); err != nil {
		t.Fatal(err)
	}
	orders, err := s.bus.Publisher("orders.eu", &ringcast.PublisherConfig{Slots: 64, StallBudget: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	b := s.browse()
	for range 40 {
		if err := orders.Publish(t.Context(), []byte("order")); err != nil {
			t.Fatal(err)
		}
	}
	for range 1234 {
		s.do("POST", "/v1/services/prices", "p").want(t, "prices", 200, "p")
	}
	for range 3 {
		s.do("POST", "/v1/services/fails", "x").want(t, "fails", 500, "paper")
		s.do("POST", "/v1/topics/orders.us", "x").want(t, "orders.us", 202, "")
	}
	d := b.agree(s)
	numbers := b.numbers()
	for key, want := range map[string]string{
		"topic:orders.eu:positions": "40", "topic:orders.eu:behind": "40", "topic:orders.us:positions": "3",
		"service:prices:requests": "1,234", "service:prices:answered": "1,234", "service:prices:instances": "2",
		"service:fails:failed": "3", "gateway:published": "3", "slow:orders.eu:laggard": "laggard",
	} {
		if numbers[key] != want {
			t.Errorf("%s is %q, want %s", key, numbers[key], want)
		}
	}
	if len(d.Services) != 2 || !strings.HasSuffix(numbers["service:prices:p99"], "s") {
		t.Errorf("%d services, 99 %% of prices in %q", len(d.Services), numbers["service:prices:p99"])
	}
	lines, slow := evaluate[int](b, `document.querySelectorAll("#map path").length`), evaluate[int](b, `document.querySelectorAll("#map path.slow").length`)
	if lines < 6 || slow != 1 {
		t.Errorf("the map has %d lines, %d of them slow, want 6 and 1 at least", lines, slow)
	}
	b.shoot("domain")
	b.check()
}

// TestPageBoxes: a service is called, and a topic watched, from the page.
func TestPageBoxes(t *testing.T) {
	s := open(t, nil)
	s.serve("upper", nil, func(_ context.Context, r *ringcast.Request) error {
		return r.Reply([]byte(strings.ToUpper(string(r.Payload()))))
	})
	b := s.browse()
	b.run(chromedp.WaitVisible("#call-name"), chromedp.SendKeys("#call-name", "upper"), chromedp.SendKeys("#call-body", "<b>hello</b>"), chromedp.Click("#call button"))
	await(t, "the reply is shown", func() bool { return b.text("call-reply") == "<B>HELLO</B>" })
	b.run(chromedp.SetValue("#call-name", "nobody"), chromedp.Click("#call button"))
	await(t, "the error is shown", func() bool { return strings.HasPrefix(b.text("call-status"), "404 no instance of the service") })

	b.run(chromedp.SendKeys("#watch-name", "orders.*"), chromedp.Click("#watch-button"))
	await(t, "it watches", func() bool { return strings.Contains(b.text("watch-status"), "watching orders.*") })
	for i := range 30 {
		s.do("POST", "/v1/topics/orders.eu", fmt.Sprintf("<i>order</i> %d", i)).want(t, "publish", 202, "")
	}
	await(t, "30 messages are shown", func() bool { return b.numbers()["watch:messages"] == "30" })
	if text := b.text("watch-list"); !strings.Contains(text, "orders.eu 30<i>order</i> 29") || b.numbers()["watch:missed"] != "0" {
		t.Errorf("the list is %q", text)
	}
	b.shoot("boxes")
	b.run(chromedp.Click("#watch-button"))
	await(t, "the reader is let go", func() bool { return s.gateway.state().Readers == 0 })
	b.check()
}

// TestPageToken: a gateway that wants a token has a page that asks for it.
func TestPageToken(t *testing.T) {
	s := open(t, &Config{Tokens: []string{"open sesame"}})
	s.serve("echo", nil, echo)
	b := s.browse()
	b.run(chromedp.WaitVisible("#token"), chromedp.SendKeys("#token", "wrong"), chromedp.Click("#login button"))
	await(t, "the wrong token is refused", func() bool { return b.text("login-error") == "That is not one of its tokens." })
	b.shoot("token")
	b.run(chromedp.SetValue("#token", "open sesame"), chromedp.Click("#login button"), chromedp.WaitVisible("#call-name"))
	b.run(chromedp.SendKeys("#call-name", "echo"), chromedp.SendKeys("#call-body", "with a token"), chromedp.Click("#call button"))
	await(t, "the reply is shown", func() bool { return b.text("call-reply") == "with a token" })
	b.run(chromedp.SendKeys("#watch-name", "news"), chromedp.Click("#watch-button"))
	await(t, "it watches", func() bool { return strings.Contains(b.text("watch-status"), "watching news") })
	s.do("POST", "/v1/topics/news", "x", "Authorization: Bearer open sesame").want(t, "publish", 202, "")
	await(t, "the message is shown", func() bool { return b.numbers()["watch:messages"] == "1" })
	b.check()
}
