// Command release builds the archives of a release in dist/: mls and mls-devserver for every platform, with the licences of what
// is linked into them, a bill of materials (CycloneDX) for each program and the checksums of all. It publishes nothing.
//
//	go run ./scripts/release [-out dist]
//
// The same commit gives the same bytes: before anything else the programs are built a second time, from a clone and without
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
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// programs are those of wrapper/cmd.
var programs = []string{"mls", "mls-devserver"}

// platform is one that the programs are built for.
type platform struct{ os, arch string }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func (p platform) binary(program string) string {
	if p.os == "windows" {
		return program + ".exe"
	}
	return program
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

// artifacts makes the archive of one platform and a bill of materials for each program, and returns their names.
func artifacts(ctx context.Context, work, out string, p platform, when time.Time) (made []string, err error) {
	dir := filepath.Join(work, p.os+"-"+p.arch)
	if err := build(ctx, ".", dir, p, ""); err != nil {
		return nil, err
	}
	contents := map[string]os.FileMode{"LICENSE": 0o644, "README.md": 0o644}
	var linked []*debug.Module
	var suffix string // the version is that of the commit, for both
	for _, name := range programs {
		program := filepath.Join(dir, p.binary(name))
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, err
		}
		bill, err := billOfMaterials(ctx, program, info.Main.Version, when)
		if err != nil {
			return nil, err
		}
		if err := acceptable(bill); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		suffix = fmt.Sprintf("_%s_%s_%s", info.Main.Version, p.os, p.arch)
		made = append(made, name+suffix+".cdx.json")
		if err := os.WriteFile(filepath.Join(out, name+suffix+".cdx.json"), bill, 0o644); err != nil {
			return nil, err
		}
		contents[program] = 0o755
		linked = append(linked, info.Deps...)
	}
	notices, err := notices(ctx, linked)
	if err != nil {
		return nil, err
	}
	files := []file{{"THIRD-PARTY-LICENSES", notices, 0o644}}
	for name, mode := range contents {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.Base(name), b, mode})
	}
	archive, err := pack(p, "mls"+suffix, files, when)
	if err != nil {
		return nil, err
	}
	made = append(made, "mls"+suffix+archive.extension)
	return made, os.WriteFile(filepath.Join(out, "mls"+suffix+archive.extension), archive.bytes, 0o644)
}

// build compiles the programs into a folder. Their version is what Go takes from the commit and its tags.
func build(ctx context.Context, source, dir string, p platform, cache string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", dir}
	for _, name := range programs {
		args = append(args, "./wrapper/cmd/"+name)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+p.os, "GOARCH="+p.arch)
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// reproduce builds the programs here, and in a clone without the build cache, and compares.
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
	return same(here, there, p)
}

// same compares the programs in two folders.
func same(here, there string, p platform) error {
	for _, name := range programs {
		first, err := sum(filepath.Join(here, p.binary(name)))
		if err != nil {
			return err
		}
		second, err := sum(filepath.Join(there, p.binary(name)))
		if err != nil {
			return err
		}
		if first != second {
			return fmt.Errorf("two builds of %s from this commit differ: %s here, %s from a clone", name, first, second)
		}
		fmt.Printf("%s: two builds, the same bytes: sha256 %s\n", name, first)
	}
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
