// Command release builds the archives of a release in dist/: the command mls for every platform, with the licences of what
// is linked into it, a bill of materials (CycloneDX) for each and the checksums of all. It publishes nothing.
//
//	go run ./scripts/release [-out dist]
//
// The same commit gives the same bytes: before anything else the command is built a second time, from a clone and without
// the build cache, and compared.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// platform is one that the command is built for.
type platform struct{ os, arch string }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func (p platform) binary() string {
	if p.os == "windows" {
		return "mls.exe"
	}
	return "mls"
}

func main() {
	out := flag.String("out", "dist", "folder that is made anew")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := release(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(ctx context.Context, out string) error {
	if changes, err := output(ctx, ".", "git", "status", "--porcelain"); err != nil {
		return err
	} else if changes != "" {
		return fmt.Errorf("commit first, a release is built of a commit:\n%s", changes)
	}
	when, err := committed(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mls-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := reproduce(ctx, work, platforms[0]); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, p := range platforms {
		files, err := artifacts(ctx, work, out, p, when)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(filepath.Join(out, file))
			if err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b), file)
			fmt.Printf("%s\t%.1f MiB\n", file, float64(len(b))/(1<<20))
		}
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// artifacts makes archive and bill of materials of one platform and returns their names.
func artifacts(ctx context.Context, work, out string, p platform, when time.Time) ([]string, error) {
	program := filepath.Join(work, p.os+"-"+p.arch, p.binary())
	if err := build(ctx, ".", program, p, ""); err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	bill, err := billOfMaterials(ctx, program, info.Main.Version, when)
	if err != nil {
		return nil, err
	}
	if err := acceptable(bill); err != nil {
		return nil, err
	}
	notices, err := notices(ctx, info)
	if err != nil {
		return nil, err
	}
	files := []file{{"THIRD-PARTY-LICENSES", notices, 0o644}}
	for name, mode := range map[string]os.FileMode{"LICENSE": 0o644, "README.md": 0o644, program: 0o755} {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.Base(name), b, mode})
	}
	name := fmt.Sprintf("mls_%s_%s_%s", info.Main.Version, p.os, p.arch)
	archive, err := pack(p, name, files, when)
	if err != nil {
		return nil, err
	}
	made := []string{name + archive.extension, name + ".cdx.json"}
	return made, errors.Join(
		os.WriteFile(filepath.Join(out, made[0]), archive.bytes, 0o644),
		os.WriteFile(filepath.Join(out, made[1]), bill, 0o644))
}

// build compiles the command. Its version is what Go takes from the commit and its tags.
func build(ctx context.Context, dir, program string, p platform, cache string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./wrapper/cmd/mls")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+p.os, "GOARCH="+p.arch)
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// reproduce builds the command here, and in a clone without the build cache, and compares.
func reproduce(ctx context.Context, work string, p platform) error {
	clone := filepath.Join(work, "clone")
	if _, err := output(ctx, ".", "git", "clone", "--quiet", ".", clone); err != nil {
		return err
	}
	here, there := filepath.Join(work, "here"), filepath.Join(work, "there")
	if err := build(ctx, ".", here, p, ""); err != nil {
		return err
	}
	fmt.Println("building again from a clone, without the build cache: about a minute")
	if err := build(ctx, clone, there, p, filepath.Join(work, "cache")); err != nil {
		return err
	}
	first, err := sum(here)
	if err != nil {
		return err
	}
	second, err := sum(there)
	if err != nil {
		return err
	}
	if first != second {
		return fmt.Errorf("two builds of this commit differ: %s here, %s from a clone", first, second)
	}
	fmt.Printf("two builds, the same bytes: sha256 %s\n", first)
	return nil
}

func sum(path string) (string, error) {
	b, err := os.ReadFile(path)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}

// committed is the time of the commit: what archives and bills give as theirs.
func committed(ctx context.Context) (time.Time, error) {
	text, err := output(ctx, ".", "git", "log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

// output runs a program and returns what it printed, or an error with what it complained.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	b, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(exit.Stderr))
	}
	return strings.TrimSpace(string(b)), err
}
