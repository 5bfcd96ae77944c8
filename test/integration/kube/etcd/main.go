// etcd for the test control plane: one member, its data in a folder, no TLS,
// loopback only.
//
//	etcd -data-dir DIR -client-port PORT -peer-port PORT
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

func run() error {
	dir := flag.String("data-dir", "", "folder of the data")
	client := flag.Int("client-port", 0, "port for clients")
	peer := flag.Int("peer-port", 0, "port for peers, of which there are none")
	flag.Parse()
	config := embed.NewConfig()
	config.Dir = *dir
	config.Name = "default"
	// Nothing here outlives a test, so nothing waits for the disk.
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.LogOutputs = []string{"stderr"}
	local := func(port int) []url.URL {
		return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}}
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = local(*client), local(*client)
	config.ListenPeerUrls, config.AdvertisePeerUrls = local(*peer), local(*peer)
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(30 * time.Second):
		return fmt.Errorf("not ready after 30 s")
	case <-stop:
		return nil
	}
	select {
	case err := <-server.Err():
		return err
	case <-stop:
		return nil
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
}
