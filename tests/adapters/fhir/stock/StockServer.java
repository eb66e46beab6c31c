import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.test.config.TestR4Config;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.interceptor.RequestValidatingInterceptor;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** HAPI FHIR's JPA server for R4, as HAPI's own tests set it up: every request is checked against R4's definitions. */
public class StockServer {
    public static void main(String[] arguments) throws Exception {
        var parts = new AnnotationConfigApplicationContext(TestR4Config.class);
        var fhir = new RestfulServer(parts.getBean(FhirContext.class));
        fhir.registerProviders(parts.getBean("myResourceProvidersR4", ResourceProviderFactory.class).createProviders());
        fhir.registerProvider(parts.getBean("mySystemProviderR4"));
        fhir.setPagingProvider(parts.getBean(DatabaseBackedPagingProvider.class));
        fhir.setServerConformanceProvider(new JpaCapabilityStatementProvider(
            fhir,
            parts.getBean("mySystemDaoR4", IFhirSystemDao.class),
            parts.getBean(JpaStorageSettings.class),
            parts.getBean(ISearchParamRegistry.class),
            parts.getBean(IValidationSupport.class)));
        fhir.registerInterceptor(validating(parts));

        var jetty = new Server();
        var connector = new ServerConnector(jetty);
        connector.setHost("127.0.0.1");
        jetty.addConnector(connector);
        var servlets = new ServletContextHandler();
        servlets.addServlet(new ServletHolder(fhir), "/fhir/*");
        jetty.setHandler(servlets);
        jetty.start();
        System.out.println("PORT " + connector.getLocalPort());
        System.in.read();  // Whoever started it holds the other end, and ends it by letting go.
        System.exit(0);
    }

    /** The guide's profiles are in no package that Maven has: their names are let pass, their base is checked. */
    private static RequestValidatingInterceptor validating(AnnotationConfigApplicationContext parts) {
        var validator = new FhirInstanceValidator(parts.getBean(IValidationSupport.class));
        validator.setErrorForUnknownProfiles(false);
        var checked = new RequestValidatingInterceptor();
        checked.addValidatorModule(validator);
        checked.setFailOnSeverity(ResultSeverityEnum.ERROR);
        return checked;
    }
}
