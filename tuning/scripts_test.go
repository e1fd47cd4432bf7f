package tuning

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unit is a file of sections with lines key=value; a key may come often.
type unit map[string]map[string][]string

func parseUnit(t *testing.T, file string) unit {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u, section := make(unit), ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
			u[section] = make(map[string][]string)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section == "" || key != strings.TrimSpace(key) {
			t.Errorf("%s: cannot read %q", file, line)
			continue
		}
		u[section][key] = append(u[section][key], value)
	}
	return u
}

func (u unit) one(section, key string) string {
	values := u[section][key]
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func services(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("scripts/*.service")
	if err != nil || len(files) != 3 {
		t.Fatalf("got %v, %v; want three services", files, err)
	}
	return files
}

func TestServices(t *testing.T) {
	starts := map[string]string{
		"redline-sequencer.service": "sequencer run --datadir /var/lib/redline",
		"redline-fullnode.service":  "fullnode run --datadir /var/lib/redline-fullnode",
		"redline-tune.service":      "sequencer tune --apply --yes",
	}
	for _, file := range services(t) {
		u := parseUnit(t, file)
		if got, want := u.one("Service", "ExecStart"), "/usr/local/bin/"+starts[filepath.Base(file)]; got != want {
			t.Errorf("%s: got %q; want %q", file, got, want)
		}
		if u.one("Unit", "Description") == "" || u.one("Install", "WantedBy") != "multi-user.target" {
			t.Errorf("%s: got %v", file, u)
		}
	}
}

// TestServicesAreHardened checks both nodes' services, which must not differ in
// it, and that what the programs need is left to them.
func TestServicesAreHardened(t *testing.T) {
	sequencer, fullNode := parseUnit(t, "scripts/redline-sequencer.service")["Service"], parseUnit(t, "scripts/redline-fullnode.service")["Service"]
	hardening := regexp.MustCompile(`^(Protect|Private|Restrict[A-Z]|SystemCall|NoNew|Capability|Lock|UMask|MemoryDeny)`)
	for key, values := range sequencer {
		if hardening.MatchString(key) && !slices.Equal(values, fullNode[key]) {
			t.Errorf("%s: got %v and %v; want the same", key, values, fullNode[key])
		}
	}
	for key, want := range map[string]string{
		"MemoryDenyWriteExecute": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "SystemCallArchitectures": "native",
	} {
		for _, service := range []map[string][]string{sequencer, fullNode} {
			if !slices.Equal(service[key], []string{want}) {
				t.Errorf("%s: got %v; want %q", key, service[key], want)
			}
		}
	}
	if sequencer["LimitMEMLOCK"][0] != "infinity" || sequencer["MemorySwapMax"][0] != "0" || sequencer["CPUQuota"] != nil || sequencer["ProcSubset"] != nil {
		t.Errorf("got %v", sequencer)
	}
}

// TestServicesVerify asks systemd, where it is installed.
func TestServicesVerify(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log(err)
		return
	}
	program, err := os.Executable() // those of the services need not be installed
	if err != nil {
		t.Fatal(err)
	}
	dir, args := t.TempDir(), []string{"verify"}
	for _, file := range services(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`/usr/local/bin/\w+`).ReplaceAllLiteralString(string(data), program)
		args = append(args, filepath.Join(dir, filepath.Base(file)))
		if err := os.WriteFile(args[len(args)-1], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(tool, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Unknown key") || strings.Contains(string(out), "Failed to parse") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestTunedProfile compares the profile with what Check wants.
func TestTunedProfile(t *testing.T) {
	u := parseUnit(t, "scripts/tuned/redline-sequencer/tuned.conf")
	wanted := 0
	for _, c := range valueChecks {
		if !slices.Contains(c.roles, Sequencer) {
			continue
		}
		section, key := "sysfs", "/"+c.files
		switch name, isSysctl := strings.CutPrefix(c.files, sysctlDir); {
		case isSysctl:
			section, key = "sysctl", strings.ReplaceAll(name, "/", ".")
			wanted++
		case c.name == "cpu.governor":
			section, key = "cpu", "governor"
		case c.name == "cpu.idle":
			if got := u.one("cpu", "force_latency"); !atMost(idleLatencyMax).good(got) {
				t.Errorf("force_latency: got %q; want at most %d", got, idleLatencyMax)
			}
			continue
		case c.name == "memory.thp":
			section, key = "vm", "transparent_hugepages"
		}
		if got := u.one(section, key); got != c.want.set {
			t.Errorf("[%s] %s: got %q; want %q", section, key, got, c.want.set)
		}
	}
	if got := len(u["sysctl"]); got != wanted {
		t.Errorf("got %d sysctls; want %d", got, wanted)
	}
}
