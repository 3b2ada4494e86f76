package devserver

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/mlserver-go/mls/wrapper/internal/temp"
)

// buckets of the store.
const (
	bucketBatches   = "batches"
	bucketKeys      = "keys"
	bucketLogins    = "logins"
	bucketNodes     = "nodes"
	bucketPools     = "pools"
	bucketServices  = "services"
	bucketSnapshots = "snapshots"
)

// store keeps records in an embedded database and blobs as files beside it.
type store struct {
	db        *bbolt.DB
	dir       string
	temporary *temp.Folder // dir, if it goes when the store is closed
}

// openStore opens the store in dir, or a new one in a temporary directory when dir is empty.
func openStore(dir string) (_ *store, err error) {
	s := &store{dir: dir}
	if dir == "" {
		if s.temporary, err = temp.NewFolder("devserver"); err != nil {
			return nil, err
		}
		s.dir = s.temporary.Path
	}
	defer func() {
		if err != nil {
			_ = s.close() // the first error tells more
		}
	}()
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return nil, err
	}
	for _, d := range []string{s.dir, s.blobs(), s.batches(), s.sessions(), s.workers()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	s.db, err = bbolt.Open(filepath.Join(s.dir, "devserver.db"), 0o600, &bbolt.Options{
		Timeout: time.Second, NoSync: s.temporary != nil, NoFreelistSync: true,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("data directory %s is in use by another development server: stop it, or choose another directory", s.dir)
	} else if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", s.dir, err)
	}
	// What sessions and workers of an earlier run left behind is of no use to anybody, nor is what a server that was killed left.
	temp.SweepFolders()
	for _, d := range []string{s.sessions(), s.workers()} {
		if err := emptyDir(d); err != nil {
			return nil, err
		}
	}
	return s, s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{bucketBatches, bucketKeys, bucketLogins, bucketNodes, bucketPools, bucketServices, bucketSnapshots} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) blobs() string    { return filepath.Join(s.dir, "blobs") }
func (s *store) batches() string  { return filepath.Join(s.dir, "batches") }
func (s *store) sessions() string { return filepath.Join(s.dir, "sessions") }
func (s *store) workers() string  { return filepath.Join(s.dir, "workers") }

func (s *store) put(bucket, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), raw) })
}

// replace puts a record in the place of another, both or neither.
func (s *store) replace(bucket, old, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		return errors.Join(b.Delete([]byte(old)), b.Put([]byte(key), raw))
	})
}

// delete removes the records with a key from buckets, all or none.
func (s *store) delete(key string, buckets ...string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, bucket := range buckets {
			if err := tx.Bucket([]byte(bucket)).Delete([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadAll reads every record of a bucket.
func loadAll[T any](s *store, bucket string) (map[string]*T, error) {
	all := map[string]*T{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, raw []byte) error {
			v := new(T)
			if err := json.Unmarshal(raw, v); err != nil {
				return fmt.Errorf("data directory %s: record %s of %s: %w", s.dir, k, bucket, err)
			}
			all[string(k)] = v
			return nil
		})
	})
	return all, err
}

// blob is where the blob with this id is: the zip of a snapshot, or a model, whose id ends with modelSuffix.
func (s *store) blob(id string) string {
	if strings.HasSuffix(id, modelSuffix) {
		return filepath.Join(s.blobs(), id)
	}
	return filepath.Join(s.blobs(), id+".zip")
}

const modelSuffix = ".model"

// temp is a new file that can be renamed to anything in the store.
func (s *store) temp() (*os.File, error) { return os.CreateTemp(s.workers(), "temp-") }

// copyBlob makes a blob of a new id that outlives the original. Blobs don't change: a second name for the same bytes will do.
func (s *store) copyBlob(id string) (string, error) {
	own := uuid.NewString()
	if os.Link(s.blob(id), s.blob(own)) == nil {
		return own, nil
	}
	src, err := os.Open(s.blob(id)) // a file system without links
	if err != nil {
		return "", err
	}
	defer src.Close()
	dst, err := s.temp()
	if err != nil {
		return "", err
	}
	defer os.Remove(dst.Name()) // gone already when all went well
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Close()); err != nil {
		return "", err
	}
	return own, os.Rename(dst.Name(), s.blob(own))
}

// drop removes a blob that nothing refers to any more. One that stays behind is removed at the next start.
func (s *store) drop(id string) { _ = os.Remove(s.blob(id)) }

// dropUnknown removes the blobs that known does not list.
func (s *store) dropUnknown(known map[string]bool) error {
	entries, err := os.ReadDir(s.blobs())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if id := strings.TrimSuffix(e.Name(), ".zip"); !known[id] {
			s.drop(id)
		}
	}
	return nil
}

// signingKey reads the key that signs access tokens, making it the first time.
func (s *store) signingKey() (*rsa.PrivateKey, error) {
	keys, err := loadAll[[]byte](s, bucketKeys)
	if err != nil {
		return nil, err
	}
	if der, ok := keys["signing"]; ok {
		return x509.ParsePKCS1PrivateKey(*der)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return key, s.put(bucketKeys, "signing", x509.MarshalPKCS1PrivateKey(key))
}

func (s *store) close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.temporary != nil {
		errs = append(errs, s.temporary.Remove())
	}
	return errors.Join(errs...)
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
