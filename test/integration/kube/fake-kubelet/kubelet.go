package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// workers write to the API server at once; a rollout of 2,000 pods is bounded by
// them.
const workers = 16

type kubelet struct {
	client kubernetes.Interface
	pods   listers.PodLister
	nodes  listers.NodeLister
	queue  workqueue.TypedRateLimitingInterface[cache.ObjectName]
	bound  atomic.Uint32 // pods bound so far: the next goes to this one modulo nodes
	given  atomic.Uint32 // addresses given so far
}

func newKubelet(client kubernetes.Interface) *kubelet {
	return &kubelet{
		client: client,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](10*time.Millisecond, time.Second)),
	}
}

func (k *kubelet) makeNodes(ctx context.Context, count int) error {
	for i := range count {
		name := fmt.Sprintf("node-%d", i)
		node := &core.Node{
			ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{
				"kubernetes.io/hostname":        name,
				"kubernetes.io/os":              "linux",
				"topology.kubernetes.io/zone":   fmt.Sprintf("zone-%d", i%3),
				"topology.kubernetes.io/region": "region-1",
			}},
			Spec: core.NodeSpec{ProviderID: "test://" + name},
		}
		made, err := k.client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
		made.Status = core.NodeStatus{
			Addresses: []core.NodeAddress{
				{Type: core.NodeInternalIP, Address: fmt.Sprintf("192.168.%d.%d", i/250, 1+i%250)},
				{Type: core.NodeHostName, Address: name},
			},
			DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: 10250}},
			Capacity: core.ResourceList{
				core.ResourceCPU: resource.MustParse("64"), core.ResourceMemory: resource.MustParse("256Gi"),
				core.ResourcePods: resource.MustParse("10000")},
			Conditions: []core.NodeCondition{{
				Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady",
				LastHeartbeatTime: meta.Now(), LastTransitionTime: meta.Now()}},
		}
		if _, err := k.client.CoreV1().Nodes().UpdateStatus(ctx, made, meta.UpdateOptions{}); err != nil {
			return fmt.Errorf("node %s: status: %w", name, err)
		}
	}
	return nil
}

// run keeps every pod as its annotations want it until ctx ends.
func (k *kubelet) run(ctx context.Context) error {
	defer k.queue.ShutDown()
	factory := informers.NewSharedInformerFactory(k.client, 0)
	pods := factory.Core().V1().Pods()
	k.pods, k.nodes = pods.Lister(), factory.Core().V1().Nodes().Lister()
	add := func(object any) {
		if name, err := cache.ObjectToName(object); err == nil {
			k.queue.Add(name)
		}
	}
	if _, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, now any) { add(now) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for range workers {
		go k.work(ctx)
	}
	<-ctx.Done()
	return nil
}

func (k *kubelet) work(ctx context.Context) {
	for {
		name, shutdown := k.queue.Get()
		if shutdown {
			return
		}
		if err := k.settle(ctx, name); err != nil && !apierrors.IsNotFound(err) {
			k.queue.AddRateLimited(name)
		} else {
			k.queue.Forget(name)
		}
		k.queue.Done(name)
	}
}

// settle takes a pod one step further; what it writes comes back as an event.
func (k *kubelet) settle(ctx context.Context, name cache.ObjectName) error {
	pod, err := k.pods.Pods(name.Namespace).Get(name.Name)
	if err != nil {
		return err
	}
	api := k.client.CoreV1().Pods(name.Namespace)
	if pod.Spec.NodeName == "" {
		if pod.DeletionTimestamp != nil || len(pod.Spec.SchedulingGates) > 0 {
			return nil
		}
		node, err := k.nextNode()
		if err != nil {
			return err
		}
		return api.Bind(ctx, &core.Binding{
			ObjectMeta: meta.ObjectMeta{Namespace: name.Namespace, Name: name.Name, UID: pod.UID},
			Target:     core.ObjectReference{Kind: "Node", Name: node},
		}, meta.CreateOptions{})
	}
	if node, err := k.nodes.Get(pod.Spec.NodeName); err == nil && node.Annotations["test/lost"] == "true" {
		return nil
	}
	if pod.DeletionTimestamp != nil {
		if pod.Annotations["test/terminating"] == "hold" {
			return nil
		}
		return api.Delete(ctx, name.Name, meta.DeleteOptions{
			GracePeriodSeconds: new(int64), Preconditions: meta.NewUIDPreconditions(string(pod.UID))})
	}
	wanted := pod.DeepCopy()
	k.setStatus(wanted)
	if equalStatus(&pod.Status, &wanted.Status) {
		return nil
	}
	_, err = api.UpdateStatus(ctx, wanted, meta.UpdateOptions{})
	return err
}

func (k *kubelet) nextNode() (string, error) {
	nodes, err := k.nodes.List(everything)
	if err != nil {
		return "", err
	}
	var names []string
	for _, node := range nodes {
		if node.Annotations["test/lost"] != "true" {
			names = append(names, node.Name)
		}
	}
	if len(names) == 0 {
		return "", fmt.Errorf("no node")
	}
	return sorted(names)[int(k.bound.Add(1)-1)%len(names)], nil
}

func (k *kubelet) nextAddress() string {
	n := k.given.Add(1)
	return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}
