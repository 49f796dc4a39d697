from boss import ServiceHandler


class Echo(ServiceHandler
