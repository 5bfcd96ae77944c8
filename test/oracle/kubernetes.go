package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apiv1 "k8s.io/api/core/v1"
	disv1 "k8s.io/api/discovery/v1"
	networkv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// kubernetesRequest is a cluster at rest and one role that looks at it.
type kubernetesRequest struct {
	Role   string `json:"role"`
	Attach struct {
		Node       bool `json:"node"`
		Namespace  bool `json:"namespace"`
		Deployment bool `json:"deployment"`
		Job        bool `json:"job"`
		CronJob    bool `json:"cronjob"`
	} `json:"attach_metadata"`
	Objects []json.RawMessage `json:"objects"` // each with its kind
}

type kubernetesGroup struct {
	Source  string           `json:"source"`
	Labels  model.LabelSet   `json:"labels"`
	Targets []model.LabelSet `json:"targets"`
}

type kubernetesAnswer struct {
	Error  string            `json:"error,omitempty"`
	Groups []kubernetesGroup `json:"groups"` // by source
}

// world is an informer that has seen everything there is. If it announces, then
// whoever adds a handler is told of every object at once.
type world struct {
	cache.SharedIndexInformer // the rest of it is never called
	indexer                   cache.Indexer
	objects                   []runtime.Object
	announces                 bool
}

func (w *world) GetStore() cache.Store     { return w.indexer }
func (w *world) GetIndexer() cache.Indexer { return w.indexer }
func (w *world) HasSynced() bool           { return true }
func (w *world) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	if w.announces {
		for _, object := range w.objects {
			handler.OnAdd(object, true)
		}
	}
	return nil, nil
}

func (w *world) add(object runtime.Object) error {
	w.objects = append(w.objects, object)
	return w.indexer.Add(object)
}

// sentinel names the last object of a role. When its group comes, those of all
// others have come: the roles have one queue and one worker.
const sentinel = "zzz-oracle-sentinel"

func sentinelOf(role string) (runtime.Object, string, error) {
	meta := metav1.ObjectMeta{Name: sentinel, Namespace: "default"}
	switch role {
	case "node":
		return &apiv1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: sentinel},
			Status:     apiv1.NodeStatus{Addresses: []apiv1.NodeAddress{{Type: apiv1.NodeInternalIP}}},
		}, "Node", nil
	case "pod":
		return &apiv1.Pod{ObjectMeta: meta}, "Pod", nil
	case "service":
		return &apiv1.Service{ObjectMeta: meta}, "Service", nil
	case "endpoints":
		return &apiv1.Endpoints{ObjectMeta: meta}, "Endpoints", nil
	case "endpointslice":
		return &disv1.EndpointSlice{ObjectMeta: meta}, "EndpointSlice", nil
	case "ingress":
		return &networkv1.Ingress{ObjectMeta: meta}, "Ingress", nil
	}
	return nil, "", fmt.Errorf("unknown role %q", role)
}

func newObject(kind string) (runtime.Object, error) {
	switch kind {
	case "Node":
		return &apiv1.Node{}, nil
	case "Pod":
		return &apiv1.Pod{}, nil
	case "Service":
		return &apiv1.Service{}, nil
	case "Endpoints":
		return &apiv1.Endpoints{}, nil
	case "EndpointSlice":
		return &disv1.EndpointSlice{}, nil
	case "Ingress":
		return &networkv1.Ingress{}, nil
	case "Namespace":
		return &apiv1.Namespace{}, nil
	case "ReplicaSet":
		return &appsv1.ReplicaSet{}, nil
	case "Job":
		return &batchv1.Job{}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

// readWorlds has an informer for every kind, without any index: those serve
// changes, and here nothing changes.
func readWorlds(objects []json.RawMessage) (map[string]*world, error) {
	worlds := map[string]*world{}
	for _, kind := range []string{"Node", "Pod", "Service", "Endpoints", "EndpointSlice", "Ingress", "Namespace", "ReplicaSet", "Job"} {
		worlds[kind] = &world{indexer: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})}
	}
	for _, raw := range objects {
		var kind struct{ Kind string }
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, err
		}
		object, err := newObject(kind.Kind)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, object); err != nil {
			return nil, err
		}
		if err := worlds[kind.Kind].add(object); err != nil {
			return nil, err
		}
	}
	return worlds, nil
}

func doKubernetes(request kubernetesRequest) kubernetesAnswer {
	groups, err := kubernetesGroups(request)
	if err != nil {
		return kubernetesAnswer{Error: err.Error()}
	}
	return kubernetesAnswer{Groups: groups}
}

func kubernetesGroups(request kubernetesRequest) ([]kubernetesGroup, error) {
	worlds, err := readWorlds(request.Objects)
	if err != nil {
		return nil, err
	}
	last, kind, err := sentinelOf(request.Role)
	if err != nil {
		return nil, err
	}
	main := worlds[kind]
	main.announces = true
	if err := main.add(last); err != nil {
		return nil, err
	}
	discoverer := newRole(request, worlds, main)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	channel := make(chan []*targetgroup.Group)
	go discoverer.Run(ctx, channel)
	found := []kubernetesGroup{}
	for {
		for _, group := range <-channel {
			if strings.HasSuffix(group.Source, "/"+sentinel) {
				slices.SortFunc(found, func(a, b kubernetesGroup) int { return cmp.Compare(a.Source, b.Source) })
				return found, nil
			}
			labels, targets := group.Labels, group.Targets
			if labels == nil {
				labels = model.LabelSet{}
			}
			if targets == nil {
				targets = []model.LabelSet{}
			}
			found = append(found, kubernetesGroup{group.Source, labels, targets})
		}
	}
}

// newRole makes Prometheus's own discoverer of a role, as Discovery.Run does.
func newRole(request kubernetesRequest, worlds map[string]*world, main *world) discovery.Discoverer {
	attach := request.Attach
	// An informer that is not attached is nil, and not a pointer that is nil.
	attached := func(wanted bool, kind string) cache.SharedInformer {
		if !wanted {
			return nil
		}
		return worlds[kind]
	}
	nodes := attached(attach.Node, "Node")
	namespaces := attached(attach.Namespace, "Namespace")
	replicaSets := attached(attach.Deployment, "ReplicaSet")
	jobs := attached(attach.Job || attach.CronJob, "Job")
	events := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "events"}, []string{"role", "event"})
	switch request.Role {
	case "node":
		return kubernetes.NewNode(nil, main, events)
	case "pod":
		return kubernetes.NewPod(nil, main, nodes, namespaces, replicaSets, jobs,
			attach.Deployment, attach.Job, attach.CronJob, events)
	case "service":
		return kubernetes.NewService(nil, main, namespaces, events)
	case "endpoints":
		return kubernetes.NewEndpoints(nil, main, worlds["Service"], worlds["Pod"], nodes, namespaces,
			replicaSets, jobs, attach.Deployment, attach.Job, attach.CronJob, events)
	case "endpointslice":
		return kubernetes.NewEndpointSlice(nil, main, worlds["Service"], worlds["Pod"], nodes, namespaces,
			replicaSets, jobs, attach.Deployment, attach.Job, attach.CronJob, events)
	}
	return kubernetes.NewIngress(nil, main, namespaces, events)
}

// recordKubernetes writes the answer to `input` beside it.
func recordKubernetes(input string) error {
	text, err := os.ReadFile(input)
	if err != nil {
		return err
	}
	var request kubernetesRequest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return err
	}
	answer := doKubernetes(request)
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return writeIndented(filepath.Join(filepath.Dir(input), "expected.json"), answer)
}
