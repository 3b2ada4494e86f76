package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// check proves, without changing anything, that gen/ is what swagger/ generates and, where the published documents are at
// hand, that swagger/ is what they make.
func (p project) check(ctx context.Context) error {
	versions, err := p.committed()
	if err != nil {
		return err
	}
	var problems []error
	problems = append(problems, p.checkPublished(ctx, versions)...)
	for _, v := range versions {
		tree, err := p.generated(ctx, v)
		if err != nil {
			return err
		}
		have, err := readFiles(filepath.Join(p.root, "gen", genName(v)))
		if err != nil {
			problems = append(problems, fmt.Errorf("gen/%s: %w: make generate VERSION=%s", genName(v), err, v))
			continue
		}
		if names := tree.differences(have); len(names) > 0 {
			problems = append(problems, fmt.Errorf("gen/%s is not what swagger/%s.json generates (%s): make generate VERSION=%[2]s",
				genName(v), v, shorten(names)))
			continue
		}
		fmt.Fprintf(p.out, "gen/%s is what swagger/%s.json generates (%d files)\n", genName(v), v, len(tree))
	}
	return errors.Join(problems...)
}

// checkPublished compares swagger/ with what the published documents make: those of $SWAGGER_BASE_URL, else of a copy
// beside the checkout, else of the site. In CI, not finding them is a failure.
func (p project) checkPublished(ctx context.Context, versions []string) (problems []error) {
	if copied := filepath.Join(p.root, "..", "shared", "deployr-api-docs"); p.baseURL == "" {
		if _, err := os.Stat(copied); err == nil {
			p.baseURL = "file://" + filepath.ToSlash(copied)
		}
	}
	for _, v := range versions {
		published, from, err := p.published(ctx, v)
		if err != nil {
			if os.Getenv("CI") != "" {
				problems = append(problems, fmt.Errorf("swagger/%s.json: no published document to compare with: %w", v, err))
			} else {
				fmt.Fprintf(p.warn, "swagger/%s.json NOT compared with the published document: %v\n", v, err)
			}
			continue
		}
		want, undescribed, err := p.corrected(published, v)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", from, err))
			continue
		}
		for _, u := range undescribed {
			problems = append(problems, fmt.Errorf("swagger/descriptions.yaml has no line for %s (server version %s)", u, v))
		}
		have, err := os.ReadFile(p.swagger(v + ".json"))
		switch {
		case err != nil:
			problems = append(problems, err)
		case !bytes.Equal(have, want):
			problems = append(problems, fmt.Errorf("swagger/%s.json is not what %s and corrections.yaml make: make fetch VERSION=%[1]s", v, from))
		default:
			fmt.Fprintf(p.out, "swagger/%s.json is what %s makes\n", v, from)
		}
	}
	return problems
}
