//go:build linux

package udp

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestConfigErrorsNameFieldAndRange(t *testing.T) {
	for _, c := range []struct {
		cfg   Config
		field string
		want  string
	}{
		{Config{MTU: 100}, "MTU", "100 is not in 508..65507"},
		{Config{MTU: -1}, "MTU", "-1 is not in"},
		{Config{ReceiveBuffer: 1000}, "ReceiveBuffer", "65536..1073741824 (0: the default)"},
		{Config{SendBuffer: 1<<30 + 1}, "SendBuffer", "1073741825 is not in"},
		{Config{Batch: 3}, "Batch", "4..1024"},
		{Config{MaxDatagram: 70000}, "MaxDatagram", "70000 is not in"},
		{Config{Segmentation: 9}, "Segmentation", "unknown value 9"},
		{Config{Fault: FaultConfig{Loss: 2}}, "fault loss", "2 is not a share"},
		{Config{Fault: FaultConfig{Delay: time.Minute}}, "fault delay", "0..1s"},
		{Config{Fault: FaultConfig{Side: 7}}, "fault side", "side(7) is not one of"},
	} {
		c.cfg.Interface = "lo"
		_, err := Open(&c.cfg)
		var ce *ConfigError
		if !errors.As(err, &ce) || ce.Field != c.field || !strings.Contains(ce.Reason, c.want) {
			t.Errorf("%+v: error %v, want field %s, reason ...%s...", c.cfg, err, c.field, c.want)
		}
	}
}

func TestMTUMustFitTheInterface(t *testing.T) {
	cfg := Config{MTU: 1480}
	err := cfg.forInterface(&Choice{Name: "eth0", MTU: 1500})
	if err == nil || !strings.Contains(err.Error(), "MTU of 1500 carries 1472") {
		t.Errorf("error %v", err)
	}
	cfg.MTU = 1472
	if err := cfg.forInterface(&Choice{Name: "eth0", MTU: 1500}); err != nil {
		t.Error(err)
	}
}

func TestZeroConfigHasDefaults(t *testing.T) {
	c := (&Config{Domain: "default"}).withDefaults()
	if c.Group != GroupOf("default") || c.ReceiveBuffer != 16<<20 || c.SendBuffer != 4<<20 || c.Batch != 64 {
		t.Errorf("defaults %+v", c)
	}
	group := netip.MustParseAddrPort("239.1.2.3:4000")
	if c := (&Config{Domain: "default", Group: group}).withDefaults(); c.Group != group {
		t.Errorf("the group given is not taken: %s", c.Group)
	}
}

func TestOpenReportsWhatItObtained(t *testing.T) {
	cfg := loopbackConfig()
	cfg.ReceiveBuffer, cfg.SendBuffer = 128<<10, 64<<10 // any kernel grants these
	c := open(t, cfg)
	want := Buffers{128 << 10, 128 << 10, 64 << 10, 64 << 10}
	if c.Buffers() != want || c.Buffers().Short() != "" {
		t.Errorf("buffers %+v (%s), want %+v", c.Buffers(), c.Buffers().Short(), want)
	}
	if c.MTU() != LoopbackPayload || c.Interface().Name != "lo" || c.Group() != GroupOf(cfg.Domain) {
		t.Errorf("MTU %d, interface %s, group %s", c.MTU(), c.Interface(), c.Group())
	}
	port, base := c.LocalAddr().Port(), c.Group().Port()
	if port <= base || port > base+SendPorts || c.LocalAddr().Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("local address %s for group port %d", c.LocalAddr(), base)
	}
}

func TestShortBuffersSayWhatToDo(t *testing.T) {
	b := Buffers{ReceiveWanted: 1000, Receive: 500, SendWanted: 900, Send: 400}
	want := "the receive buffer is 500 bytes, not 1000: sysctl -w net.core.rmem_max=1000; " +
		"the send buffer is 400 bytes, not 900: sysctl -w net.core.wmem_max=900"
	if got := b.Short(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// Though two sockets of a Conn have its port, no other gets it, not even one that is ready to share.
func TestPortIsNobodyElses(t *testing.T) {
	a := open(t, loopbackConfig()).LocalAddr()
	for _, share := range []int{0, 1} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, share); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}); err != unix.EADDRINUSE {
			t.Errorf("bound to %v with SO_REUSEADDR %d: %v", a, share, err)
		}
	}
}

func TestPortRangeExhausted(t *testing.T) {
	cfg := loopbackConfig()
	for opened := 0; ; opened++ {
		c, err := Open(&cfg)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			if opened == SendPorts {
				t.Fatalf("%d Conns opened on %d ports", opened+1, SendPorts)
			}
			continue
		}
		var pe *PortsError
		base := GroupOf(cfg.Domain).Port()
		if !errors.As(err, &pe) || pe.First != base+1 || pe.Last != base+16 ||
			!strings.Contains(err.Error(), "all 16 ports") || !strings.Contains(err.Error(), "of 127.0.0.1 are in use") {
			t.Fatalf("after %d Conns: error %v", opened, err)
		}
		return
	}
}
