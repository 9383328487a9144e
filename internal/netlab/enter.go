package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable tells the program that it runs inside; its value is the pid of the one outside.
const insideVariable = "RINGCAST_NETLAB_OUTSIDE"

// A MissingError says in one line what this host lacks for a lab, and how to have it.
type MissingError struct{ What string }

// Error is that line.
func (e *MissingError) Error() string { return "no network namespaces here: " + e.What }

// Install is the line that installs what a lab needs, on Debian and its kin.
const Install = "apt-get install -y --no-install-recommends iproute2 nftables ethtool"

// Main runs the program again, with the same arguments, within namespaces in which it may
// make labs, and returns its exit code; there Main calls run and returns its code. So
// what a program does before Main it does twice. The error, where there is one, is a
// *MissingError or that of starting: nothing ran then. Signals to end go on to the inside.
func Main(run func() int) (int, error) {
	if os.Getenv(insideVariable) == fmt.Sprint(os.Getppid()) {
		_ = os.Unsetenv(insideVariable)
		if err := settle(); err != nil {
			return 1, err
		}
		return run(), nil
	}
	if err := findPrograms(); err != nil {
		return 1, err
	}
	return enter()
}

// findPrograms looks for the tools, also where only root's path leads.
func findPrograms() error {
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	var missing []string
	for _, name := range []string{"ip", "nft", "ethtool"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &MissingError{strings.Join(missing, ", ") + " not found; as root: " + Install}
	}
	return nil
}

// enter is Main outside.
func enter() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", insideVariable, os.Getpid()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer signal.Stop(signals)
	// The thread that starts it must live as long: Pdeathsig is of the thread.
	start, ended := make(chan error, 1), make(chan error, 1)
	go onOneThread(func() {
		if err := cmd.Start(); err != nil {
			start <- err
			return
		}
		start <- nil
		ended <- cmd.Wait()
	})
	if err := <-start; err != nil {
		return 1, forbidden(err)
	}
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-ended:
			return exitCode(err)
		}
	}
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// forbidden explains a clone that the kernel refused.
func forbidden(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &MissingError{"this kernel or container forbids users to make them (" + err.Error() +
			"); on the host: sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EUSERS):
		return &MissingError{"their number is used up (" + err.Error() + "): sysctl -w user.max_user_namespaces=10000 user.max_net_namespaces=10000"}
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		return &MissingError{"this kernel has none (" + err.Error() + "): it was built without CONFIG_USER_NS or CONFIG_NET_NS"}
	}
	return err
}

// settle makes what is this program's alone, inside: mounts, and a /dev/shm.
func settle() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &MissingError{fmt.Sprintf("mounts of its own are refused (%v)", err)}
	}
	if err := unix.Mount("netlab", shared, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return &MissingError{fmt.Sprintf("a tmpfs over %s is refused (%v)", shared, err)}
	}
	return nil
}

// shared is where the nodes' directories lie.
const shared = "/dev/shm"
